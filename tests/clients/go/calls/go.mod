module imagined/calls

go 1.18
