"""The product on other Debians' versions: a root is made, the checkout copied in, everything run."""
