package pages

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// inWords is a value in JSON for people and browsers: integers beyond 2^53, which
// a browser would round, are strings.
func inWords(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return raw
	}
	exact, err := json.Marshal(spelled(tree))
	if err != nil {
		return raw
	}
	return exact
}

func spelled(v any) any {
	switch v := v.(type) {
	case json.Number:
		const exact = 1 << 53
		if n, err := strconv.ParseInt(v.String(), 10, 64); err != nil || n > exact || n < -exact {
			return v.String()
		}
	case map[string]any:
		for key, value := range v {
			v[key] = spelled(value)
		}
	case []any:
		for i, value := range v {
			v[i] = spelled(value)
		}
	}
	return v
}
