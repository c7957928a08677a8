"""The statistical layer of entities: words labelled by a model trained on annotated examples."""
