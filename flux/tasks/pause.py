"""`pause`: wait for somebody.

An open pause shows in the execution with its name and its output, and holds no worker. What it is
resumed with is its value.
"""

from typing import Any, Final

from flux.runtime import current

UNNAMED: Final = "pause"
LONGEST_NAME: Final = 200


async def pause(name_or_value: object = UNNAMED, output: object = None) -> Any:  # whatever somebody resumes it with
    """What the execution is resumed with.

    Args:
        name_or_value: the name by which people resume it; a value that is no string is the output of
            a pause named "pause".
        output: what to show to whoever decides. Any value that the log can keep.

    Raises:
        ValueError: the name is empty or longer than 200 characters.
        TypeError: two outputs: a value in the place of the name, and `output`.
    """
    if not isinstance(name_or_value, str):
        if output is not None:
            raise TypeError("pause takes a name and an output, or one value without a name")
        return await current("pause()").pause(UNNAMED, name_or_value)
    if not 0 < len(name_or_value) <= LONGEST_NAME:
        raise ValueError(f"a pause's name has 1..{LONGEST_NAME} characters, got {len(name_or_value)}")
    return await current("pause()").pause(name_or_value, output)
