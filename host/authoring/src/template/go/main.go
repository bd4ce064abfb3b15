// Does what wit/plugin.wit promises.
package main

import (
	"log/slog"
	"strconv"
	"strings"

	"witapi/exports/notes"
	"witapi/keyvalue"
)

// How many notes there is room for.
const room = 1000

// Each method does a function of the interface `notes`. By the time that it is called, what the client sent was checked.
type plugin struct{}

func init() { notes.Export(plugin{}) }

func (plugin) CreateNote(text string) (notes.Note, error) {
	// Each call has a new instance of the plugin. What is to stay is in the store.
	store, err := keyvalue.Open()
	if err != nil {
		return notes.Note{}, err
	}
	id, err := store.Increment("last-id", 1)
	if err != nil {
		return notes.Note{}, err
	}
	if id > room {
		// An error of the contract. Any other becomes a 500, and what it says stays in the host's log.
		return notes.Note{}, notes.MakeRefusalFull(room)
	}
	note := notes.Note{Id: uint32(id), Text: text}
	if err := store.SetText(key(note.Id), note.Text); err != nil {
		return notes.Note{}, err
	}
	slog.Info("kept a note", "id", id, "words", len(strings.Fields(note.Text)))
	return note, nil
}

func (plugin) GetNote(id uint32) (notes.Note, error) {
	store, err := keyvalue.Open()
	if err != nil {
		return notes.Note{}, err
	}
	text, found, err := store.GetText(key(id))
	if err != nil {
		return notes.Note{}, err
	}
	if !found {
		return notes.Note{}, notes.MakeRefusalNotFound(id)
	}
	return notes.Note{Id: id, Text: text}, nil
}

func key(id uint32) string { return "note-" + strconv.FormatUint(uint64(id), 10) }

// Go wants it; it is never called.
func main() {}
