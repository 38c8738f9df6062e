"""What a tenant has laid down about calls: rules as values, what is in force, and what else would be."""
