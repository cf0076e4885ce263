"""What a merchant should look at: codes used twice or by somebody else, coupons changed in the shop."""
