"""The pictures, one a file. Each is a function of a campaign that returns a Picture and never fails
for want of data: what there is not is written where it would have been drawn."""
