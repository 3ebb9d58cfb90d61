"""Flow auto-encoders: the volume-preserving flow, the priors, the likelihood, and how a model is stored."""
