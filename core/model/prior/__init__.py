"""The priors of the latent density that a training can choose from, one module each."""
