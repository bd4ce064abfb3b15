package logging

import (
	"log/slog"
	"os"
)

// The world has no `import wasi:logging/logging@0.1.0-draft`.
func write(level slog.Level, line string) { os.Stderr.WriteString(level.String() + " " + line + "\n") }
