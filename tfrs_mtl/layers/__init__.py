"""Parts that both models are made of: inputs, tables, history encoders, crosses, experts, noise."""
