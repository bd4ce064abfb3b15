// Package logging takes what `log/slog` and `log` say to the host's log. It is part of every plugin that imports `log/slog`.
package logging

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

func init() { slog.SetDefault(slog.New(newHandler())) }

type handler struct {
	// Of the attributes.
	format slog.Handler
	text   *strings.Builder
}

func newHandler() slog.Handler {
	text := &strings.Builder{}
	// The host's log has time and level already, and the message stands before the attributes.
	without := func(groups []string, attribute slog.Attr) slog.Attr {
		if len(groups) == 0 && (attribute.Key == slog.LevelKey || attribute.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return attribute
	}
	return handler{slog.NewTextHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug - 4, ReplaceAttr: without}), text}
}

// Enabled leaves it to the host what is of interest.
func (handler) Enabled(context.Context, slog.Level) bool { return true }

func (self handler) Handle(context context.Context, record slog.Record) error {
	self.text.Reset()
	attributes := slog.NewRecord(time.Time{}, record.Level, "", 0)
	record.Attrs(func(attribute slog.Attr) bool {
		attributes.AddAttrs(attribute)
		return true
	})
	if err := self.format.Handle(context, attributes); err != nil {
		return err
	}
	line := record.Message
	if text := strings.TrimSpace(self.text.String()); text != "" {
		line += " " + text
	}
	write(record.Level, line)
	return nil
}

func (self handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return handler{self.format.WithAttrs(attributes), self.text}
}

func (self handler) WithGroup(name string) slog.Handler {
	return handler{self.format.WithGroup(name), self.text}
}
