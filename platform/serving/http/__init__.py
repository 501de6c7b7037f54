"""HTTP: requests to questions, replies to JSON. No model code here."""
