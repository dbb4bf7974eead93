"""Looking at servers, sites and name servers from outside."""
