"""What is sent to people outside the portal: an outbox of neutral mails, sent by a worker."""
