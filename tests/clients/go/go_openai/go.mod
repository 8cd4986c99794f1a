module imagined/go_openai

go 1.18

require (
	github.com/sashabaranov/go-openai v1.43.0
	imagined/calls v0.0.0
)

replace imagined/calls => ../calls
