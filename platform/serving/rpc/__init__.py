"""gRPC: messages to questions, replies to messages. No model code here."""
