module {{name}}

go 1.25

// What Go calls the types of the WIT, and the SDK: made by `witapi build`.
replace witapi => ./.witapi/go

require witapi v0.0.0
