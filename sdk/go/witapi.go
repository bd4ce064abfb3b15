// Package witapi is what plugins in Go share: errors of their contract, options and results.
package witapi

import (
	"errors"

	"witapi/wit/types"
)

// Option is an `option<T>` of WIT.
type Option[T any] = wit_types.Option[T]

// Result is a `result<T, E>` of WIT inside a value. What a function returns is `(T, error)` instead.
type Result[T, E any] = wit_types.Result[T, E]

// Unit stands for the missing type in `result<_, E>` and `result<T>`.
type Unit = wit_types.Unit

// Some is an option with a value.
func Some[T any](value T) Option[T] { return wit_types.Some(value) }

// None is an option without one: `witapi.None[string]()`.
func None[T any]() Option[T] { return wit_types.None[T]() }

// Ok is a result inside a value: `witapi.Ok[uint8, string](7)`.
func Ok[T, E any](value T) Result[T, E] { return wit_types.Ok[T, E](value) }

// Err is a result inside a value. For what a function returns see Error.
func Err[T, E any](value E) Result[T, E] { return wit_types.Err[T](value) }

// Error makes an error of any value that a function of the contract may fail with, such as a case of an enum or a string.
// Variants and records of the contract are errors by themselves.
func Error[E any](value E) error { return &failure[E]{value} }

type failure[E any] struct{ value E }

func (self *failure[E]) Error() string {
	if text, is := any(self.value).(string); is {
		return text
	}
	return "an error of the contract"
}

// Typed finds the value in err that the contract knows. Any other error is not for clients: it ends the call with a 500, and
// what it says is in the host's log.
func Typed[E any](err error) E {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if value, is := any(inner).(E); is {
			return value
		}
		if failure, is := inner.(*failure[E]); is {
			return failure.value
		}
	}
	panic(err)
}

// Tuples of WIT inside a value. A function that returns one returns several values instead.
type (
	Tuple1[T0 any]                                                                    = wit_types.Tuple1[T0]
	Tuple2[T0, T1 any]                                                                = wit_types.Tuple2[T0, T1]
	Tuple3[T0, T1, T2 any]                                                            = wit_types.Tuple3[T0, T1, T2]
	Tuple4[T0, T1, T2, T3 any]                                                        = wit_types.Tuple4[T0, T1, T2, T3]
	Tuple5[T0, T1, T2, T3, T4 any]                                                    = wit_types.Tuple5[T0, T1, T2, T3, T4]
	Tuple6[T0, T1, T2, T3, T4, T5 any]                                                = wit_types.Tuple6[T0, T1, T2, T3, T4, T5]
	Tuple7[T0, T1, T2, T3, T4, T5, T6 any]                                            = wit_types.Tuple7[T0, T1, T2, T3, T4, T5, T6]
	Tuple8[T0, T1, T2, T3, T4, T5, T6, T7 any]                                        = wit_types.Tuple8[T0, T1, T2, T3, T4, T5, T6, T7]
	Tuple9[T0, T1, T2, T3, T4, T5, T6, T7, T8 any]                                    = wit_types.Tuple9[T0, T1, T2, T3, T4, T5, T6, T7, T8]
	Tuple10[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9 any]                               = wit_types.Tuple10[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9]
	Tuple11[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10 any]                          = wit_types.Tuple11[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10]
	Tuple12[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11 any]                     = wit_types.Tuple12[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11]
	Tuple13[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12 any]                = wit_types.Tuple13[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12]
	Tuple14[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13 any]           = wit_types.Tuple14[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13]
	Tuple15[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14 any]      = wit_types.Tuple15[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14]
	Tuple16[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15 any] = wit_types.Tuple16[T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15]
)
