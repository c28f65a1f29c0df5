"""The vocabulary that every other room speaks: facts, assessment, the carried life, money, civil time."""
