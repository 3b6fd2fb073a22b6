"""Feature Transfer Learning for Face Recognition with Under-Represented Data (Yin et al., 2019).

Classes with few images borrow the spread of classes with many: features are moved from the centre of a regular class to
that of an under-represented one. A regulariser of the logits, m-L2, goes with it; its example on MNIST is all that is
here so far. The loss is `shared.losses.metric_l2`.
"""
