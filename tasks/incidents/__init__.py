"""What is known of incidents: their records. Procedures and checks write to one; the response to it reads all of it."""
