package logging

import (
	"log/slog"

	"witapi/imports/wasi/logging/logging"
)

func write(level slog.Level, line string) {
	wasi := logging.LevelTrace
	switch {
	case level >= slog.LevelError:
		wasi = logging.LevelError
	case level >= slog.LevelWarn:
		wasi = logging.LevelWarn
	case level >= slog.LevelInfo:
		wasi = logging.LevelInfo
	case level >= slog.LevelDebug:
		wasi = logging.LevelDebug
	}
	logging.Log(wasi, "", line)
}
