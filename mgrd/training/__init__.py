"""Training on cached outputs of the frozen encoder: SFT, preferences (DPO), reinforcement.

`batches` renders rows and keeps those of a clip together, `features` is the cache, `gradients` what all three share of
a step, `state` the checkpoints of a run under way. No module here knows a workspace or a stage.
"""
