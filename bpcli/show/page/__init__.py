"""an Analysis in -> one page that shows it, without a network, out."""
