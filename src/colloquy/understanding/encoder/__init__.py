"""The accurate tier: a small sentence encoder (all-MiniLM-L6-v2) that is fine-tuned on a task.

`base` finds and reads the published weights, `network` and `tune` train (with PyTorch), `graph`
writes the int8 network that `model` runs (with ONNX Runtime). Serving never imports PyTorch.
"""
