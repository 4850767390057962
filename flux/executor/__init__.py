"""The daemon's side of the workers: their processes, the hand-over of work, timers, the watched folder."""
