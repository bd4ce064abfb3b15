// Package exported knows what does what each exported interface promises.
package exported

var exported = map[string]any{}

// Set says what does it.
func Set(name string, it any) { exported[name] = it }

// Get is what does it.
func Get(name, call string) any {
	it, found := exported[name]
	if !found {
		panic("nothing does what `" + name + "` promises; main.go needs: func init() { " + call + "(…) }")
	}
	return it
}
