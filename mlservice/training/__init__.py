"""The parts of a LoRA round, which `mlservice.finetune` puts together."""
