"""The MAgSeg-style method: a multimodal language model says the mask of a patch in class tokens."""
