//! A channel's component, made of nothing but its item type.

use std::{collections::HashMap, sync::Arc};

use wasm_encoder::{
    BlockType, CanonicalOption, CodeSection, ComponentBuilder, ComponentExportKind, ComponentValType, ConstExpr,
    EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    InstructionSink, MemArg, MemorySection, MemoryType, Module, ModuleArg, PrimitiveValType, TypeSection, ValType,
};

use super::{BridgeEnd, Channel};
use crate::contract::{Named, Scalar, Shape, Type};

/// Where a function leaves address and length of the list that it returns.
const RESULT: i32 = 8;

/// Where the heap begins.
const HEAP: i32 = 16;

/// No value has a greater alignment.
const ALIGN: i32 = 8;

/// Encodes the component. `size` is that of an item.
pub(super) fn component(channel: &Channel, size: u32) -> Vec<u8> {
    let mut component = ComponentBuilder::default();
    let item = Types { component: &mut component, named: HashMap::new() }.encode(&channel.item);
    let (list, encoder) = component.type_defined(None);
    encoder.list(item);
    let list = ComponentValType::Type(list);
    let (channel_type, encoder) = component.type_defined(None);
    match channel.end {
        BridgeEnd::StreamIn => encoder.stream(Some(item)),
        BridgeEnd::FutureIn | BridgeEnd::FutureOut => encoder.future(Some(item)),
    }

    let heap = component.core_module(None, &heap_module());
    let heap = component.core_instantiate(None, heap, []);
    let memory = component.core_alias_export(None, heap, "memory", ExportKind::Memory);
    let realloc = component.core_alias_export(None, heap, "realloc", ExportKind::Func);
    let options = [CanonicalOption::UTF8, CanonicalOption::Memory(memory), CanonicalOption::Realloc(realloc)];
    let end = ComponentValType::Type(channel_type);
    let boolean = ComponentValType::Primitive(PrimitiveValType::Bool);

    // Built-ins that the code imports, its module, and the functions that come of it: name, whether async, the parameter
    // and the result.
    type Signature<'a> = (&'a str, bool, Option<(&'a str, ComponentValType)>, Option<ComponentValType>);
    let (builtins, module, functions): (Vec<(&str, ExportKind, u32)>, _, Vec<Signature>) = match channel.end {
        BridgeEnd::StreamIn => (
            vec![
                ("new", ExportKind::Func, component.stream_new(channel_type)),
                ("write", ExportKind::Func, component.stream_write(channel_type, options)),
                ("drop", ExportKind::Func, component.stream_drop_writable(channel_type)),
            ],
            stream_writer(size),
            vec![
                ("open", false, None, Some(end)),
                ("write", true, Some(("items", list)), Some(boolean)),
                ("close", false, None, None),
            ],
        ),
        BridgeEnd::FutureOut => (
            vec![("read", ExportKind::Func, component.future_read(channel_type, options))],
            future_reader(size),
            vec![("get", true, Some(("source", end)), Some(list))],
        ),
        BridgeEnd::FutureIn => {
            let [utf8, memory, realloc] = options;
            let options = [utf8, memory, realloc, CanonicalOption::Async];
            (
                vec![
                    ("new", ExportKind::Func, component.future_new(channel_type)),
                    ("write", ExportKind::Func, component.future_write(channel_type, options)),
                ],
                future_writer(),
                vec![("ready", false, Some(("value", list)), Some(end))],
            )
        }
    };
    let builtins = component.core_instantiate_exports(None, builtins);
    let module = component.core_module(None, &module);
    let code = component.core_instantiate(
        None,
        module,
        [("canon", ModuleArg::Instance(builtins)), ("heap", ModuleArg::Instance(heap))],
    );
    for (name, is_async, param, result) in functions {
        let core = component.core_alias_export(None, code, name, ExportKind::Func);
        let (ty, mut encoder) = component.type_function(None);
        encoder.async_(is_async).params(param.iter().copied().collect::<Vec<_>>()).result(result);
        let lifted = component.lift_func(None, core, ty, options);
        component.export(name, ComponentExportKind::Func, lifted, None);
    }
    component.finish()
}

/// A memory with a heap that only grows, until it is reset as a whole.
fn heap_module() -> Module {
    let mut code = ModuleBuilder::default();
    code.exports.export("memory", ExportKind::Memory, 0);
    let top = code.global(HEAP);
    const PAGE_BITS: i64 = 16;
    // (old address, old size, alignment, size) -> address. The host asks for new blocks only, never for larger ones.
    let (old, align, size, start, end) = (0, 2, 3, 4, 5);
    code.function("realloc", [ValType::I32; 4], Some(ValType::I32), [ValType::I32, ValType::I64], |code| {
        code.local_get(old).if_(BlockType::Empty).unreachable().end();
        code.global_get(top).local_get(align).i32_add().i32_const(1).i32_sub();
        code.i32_const(0).local_get(align).i32_sub().i32_and().local_set(start);
        code.local_get(start).i64_extend_i32_u().local_get(size).i64_extend_i32_u().i64_add().local_set(end);
        // Pages that are missing, if any.
        code.local_get(end).memory_size(0).i64_extend_i32_u().i64_const(PAGE_BITS).i64_shl().i64_gt_u();
        code.if_(BlockType::Empty);
        code.local_get(end).memory_size(0).i64_extend_i32_u().i64_const(PAGE_BITS).i64_shl().i64_sub();
        code.i64_const((1 << PAGE_BITS) - 1).i64_add().i64_const(PAGE_BITS).i64_shr_u().i32_wrap_i64().memory_grow(0);
        code.i32_const(-1).i32_eq().if_(BlockType::Empty).unreachable().end();
        code.end();
        code.local_get(end).i32_wrap_i64().global_set(top);
        code.local_get(start);
    });
    code.function("reset", [], None, [], |code| {
        code.i32_const(HEAP).global_set(top);
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    code.finish(Some(memories))
}

/// `open` returns the stream, `write` waits until all items are taken and says whether the reader is gone, `close` ends
/// the stream.
fn stream_writer(size: u32) -> Module {
    let mut code = ModuleBuilder::default();
    let new = code.import("canon", "new", [], Some(ValType::I64));
    let write = code.import("canon", "write", [ValType::I32; 3], Some(ValType::I32));
    let drop = code.import("canon", "drop", [ValType::I32], None);
    let (_, reset) = code.heap();
    let (stream, is_gone) = (code.global(0), code.global(0));
    code.function("open", [], Some(ValType::I32), [ValType::I64], |code| {
        // The writable end stands in the upper half.
        code.call(new).local_tee(0).i64_const(32).i64_shr_u().i32_wrap_i64().global_set(stream);
        code.local_get(0).i32_wrap_i64();
    });
    let (items, count, outcome, taken) = (0, 1, 2, 3);
    code.function("write", [ValType::I32; 2], Some(ValType::I32), [ValType::I32; 2], |code| {
        code.loop_(BlockType::Empty);
        code.local_get(count).i32_const(0).i32_ne().global_get(is_gone).i32_eqz().i32_and().if_(BlockType::Empty);
        code.global_get(stream).local_get(items).local_get(count).call(write).local_tee(outcome);
        code.i32_const(4).i32_shr_u().local_set(taken);
        code.local_get(items).local_get(taken).i32_const(size as i32).i32_mul().i32_add().local_set(items);
        code.local_get(count).local_get(taken).i32_sub().local_set(count);
        code.local_get(outcome).i32_const(15).i32_and().global_set(is_gone);
        code.br(1).end().end();
        code.call(reset);
        code.global_get(is_gone);
    });
    code.function("close", [], None, [], |code| {
        code.global_get(stream).call(drop);
    });
    code.finish(None)
}

/// `get` waits for the value and returns it in a list of one.
fn future_reader(size: u32) -> Module {
    let mut code = ModuleBuilder::default();
    let read = code.import("canon", "read", [ValType::I32; 2], Some(ValType::I32));
    let (realloc, _) = code.heap();
    code.function("get", [ValType::I32], Some(ValType::I32), [ValType::I32], |code| {
        code.i32_const(0).i32_const(0).i32_const(ALIGN).i32_const(size as i32).call(realloc).local_set(1);
        code.i32_const(RESULT).local_get(1).i32_store(word(0));
        // An outcome of 0 is a value.
        code.i32_const(RESULT).local_get(0).local_get(1).call(read).i32_eqz().i32_store(word(4));
        code.i32_const(RESULT);
    });
    code.finish(None)
}

/// `ready` returns a future whose value, in a list of one, is there already. It stays on the heap until it is read.
fn future_writer() -> Module {
    let mut code = ModuleBuilder::default();
    let new = code.import("canon", "new", [], Some(ValType::I64));
    let write = code.import("canon", "write", [ValType::I32; 2], Some(ValType::I32));
    code.heap();
    code.function("ready", [ValType::I32; 2], Some(ValType::I32), [ValType::I64], |code| {
        code.call(new).local_tee(2).i64_const(32).i64_shr_u().i32_wrap_i64().local_get(0).call(write).drop();
        code.local_get(2).i32_wrap_i64();
    });
    code.finish(None)
}

fn word(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 0 }
}

/// The sections of a core module. Imports come before functions.
#[derive(Default)]
struct ModuleBuilder {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    globals: GlobalSection,
    exports: ExportSection,
    code: CodeSection,
    count: u32,
}

impl ModuleBuilder {
    fn ty(&mut self, params: impl IntoIterator<Item = ValType>, result: Option<ValType>) -> u32 {
        let index = self.types.len();
        self.types.ty().function(params.into_iter().collect::<Vec<_>>(), result);
        index
    }

    fn import<const N: usize>(
        &mut self,
        module: &str,
        name: &str,
        params: [ValType; N],
        result: Option<ValType>,
    ) -> u32 {
        let ty = self.ty(params, result);
        self.imports.import(module, name, EntityType::Function(ty));
        self.count += 1;
        self.count - 1
    }

    /// Imports what [`heap_module`] exports: `realloc` and `reset`.
    fn heap(&mut self) -> (u32, u32) {
        let memory = MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
        self.imports.import("heap", "memory", EntityType::Memory(memory));
        let realloc = self.import("heap", "realloc", [ValType::I32; 4], Some(ValType::I32));
        (realloc, self.import("heap", "reset", [], None))
    }

    fn global(&mut self, value: i32) -> u32 {
        let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        self.globals.global(ty, &ConstExpr::i32_const(value));
        self.globals.len() - 1
    }

    fn function<const P: usize, const L: usize>(
        &mut self,
        name: &str,
        params: [ValType; P],
        result: Option<ValType>,
        locals: [ValType; L],
        body: impl FnOnce(&mut InstructionSink),
    ) {
        let ty = self.ty(params, result);
        self.functions.function(ty);
        self.exports.export(name, ExportKind::Func, self.count);
        self.count += 1;
        let mut function = Function::new_with_locals_types(locals);
        let mut code = function.instructions();
        body(&mut code);
        code.end();
        self.code.function(&function);
    }

    fn finish(self, memories: Option<MemorySection>) -> Module {
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        if let Some(memories) = memories {
            module.section(&memories);
        }
        module.section(&self.globals).section(&self.exports).section(&self.code);
        module
    }
}

/// Types of a contract in a component. Those that WIT gives names have to be exported before a function may use them.
struct Types<'a> {
    component: &'a mut ComponentBuilder,
    named: HashMap<*const Named, ComponentValType>,
}

impl Types<'_> {
    fn encode(&mut self, ty: &Type) -> ComponentValType {
        match ty {
            Type::Scalar(scalar) => ComponentValType::Primitive(primitive(*scalar)),
            Type::Bytes => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.list(PrimitiveValType::U8);
                ComponentValType::Type(index)
            }
            Type::List(item) => {
                let item = self.encode(item);
                let (index, encoder) = self.component.type_defined(None);
                encoder.list(item);
                ComponentValType::Type(index)
            }
            Type::FixedList(item, len) => {
                let item = self.encode(item);
                let (index, encoder) = self.component.type_defined(None);
                encoder.fixed_length_list(item, *len);
                ComponentValType::Type(index)
            }
            Type::Tuple(types) => {
                let types: Vec<_> = types.iter().map(|ty| self.encode(ty)).collect();
                let (index, encoder) = self.component.type_defined(None);
                encoder.tuple(types);
                ComponentValType::Type(index)
            }
            Type::Option(some) => {
                let some = self.encode(some);
                let (index, encoder) = self.component.type_defined(None);
                encoder.option(some);
                ComponentValType::Type(index)
            }
            Type::Result(ok, err) => {
                let ok = ok.as_ref().map(|ty| self.encode(ty));
                let err = err.as_ref().map(|ty| self.encode(ty));
                let (index, encoder) = self.component.type_defined(None);
                encoder.result(ok, err);
                ComponentValType::Type(index)
            }
            Type::Map(key, value) => {
                let (key, value) = (self.encode(key), self.encode(value));
                let (index, encoder) = self.component.type_defined(None);
                encoder.map(key, value);
                ComponentValType::Type(index)
            }
            Type::Named(named) => self.named(named),
        }
    }

    fn named(&mut self, named: &Arc<Named>) -> ComponentValType {
        if let Some(known) = self.named.get(&Arc::as_ptr(named)) {
            return *known;
        }
        let index = match &named.shape {
            Shape::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(|field| (field.name.as_str(), self.encode(&field.ty))).collect();
                let (index, encoder) = self.component.type_defined(None);
                encoder.record(fields);
                index
            }
            Shape::Variant(cases) => {
                let cases: Vec<_> =
                    cases.iter().map(|case| (case.name.as_str(), case.ty.as_ref().map(|ty| self.encode(ty)))).collect();
                let (index, encoder) = self.component.type_defined(None);
                encoder.variant(cases);
                index
            }
            Shape::Enum(cases) => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.enum_type(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>());
                index
            }
            Shape::Flags(flags) => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.flags(flags.iter().map(|flag| flag.name.as_str()).collect::<Vec<_>>());
                index
            }
            Shape::Alias(target) => return self.encode(target),
        };
        let name = format!("t{}", self.named.len());
        let exported = self.component.export(name.as_str(), ComponentExportKind::Type, index, None);
        let ty = ComponentValType::Type(exported);
        self.named.insert(Arc::as_ptr(named), ty);
        ty
    }
}

fn primitive(scalar: Scalar) -> PrimitiveValType {
    match scalar {
        Scalar::Bool => PrimitiveValType::Bool,
        Scalar::U8 => PrimitiveValType::U8,
        Scalar::U16 => PrimitiveValType::U16,
        Scalar::U32 => PrimitiveValType::U32,
        Scalar::U64 => PrimitiveValType::U64,
        Scalar::S8 => PrimitiveValType::S8,
        Scalar::S16 => PrimitiveValType::S16,
        Scalar::S32 => PrimitiveValType::S32,
        Scalar::S64 => PrimitiveValType::S64,
        Scalar::F32 => PrimitiveValType::F32,
        Scalar::F64 => PrimitiveValType::F64,
        Scalar::Char => PrimitiveValType::Char,
        Scalar::String => PrimitiveValType::String,
    }
}
