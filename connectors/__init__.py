"""Both directions of translation between a shop's API and the facts and commands of the domain."""
