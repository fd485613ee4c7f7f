"""Certificates for devices that come with a key of enrolment and not with a certificate."""
