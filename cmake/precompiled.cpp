// Carries the precompiled header: a target of objects needs a source.
