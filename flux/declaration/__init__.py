"""What the declarations of tasks and workflows say: their options, checked when the file is imported.

checks            names, seconds, unknown options, and the error that names file and line
task_options      what `task.with_options` takes  → TaskSpec
workflow_options  what `workflow.with_options` takes
"""
