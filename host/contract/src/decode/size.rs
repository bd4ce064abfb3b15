//! How much a component is when it is instantiated. A component may hold others and instantiate each more than once, so that a
//! kilobyte of file is a billion of instances; whoever compiles it makes room for each of them.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding,
    Instance, Payload,
};

/// Definitions (instances, aliases, functions, types, …) that a component may be made of, those of a component within
/// counted once for each of its instances. A Python component has some 3,000.
const MAX_DEFINITIONS: u64 = 200_000;

/// A component has more than [`MAX_DEFINITIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooLarge {
    #[error("more than {MAX_DEFINITIONS} definitions, instances of instances included")]
    Definitions,
    /// What such a component is cannot be told from the file alone. No toolchain makes them.
    #[error("an instance of a component that it imports or is given by an instance")]
    Unknown,
}

impl TooLarge {
    /// What is expected instead.
    pub(crate) fn expected(self) -> String {
        match self {
            TooLarge::Definitions => format!("at most {MAX_DEFINITIONS}: fewer instances of the components within"),
            TooLarge::Unknown => "instances of components that stand in the file".into(),
        }
    }
}

/// Counts, payload by payload.
#[derive(Default)]
pub(crate) struct Size {
    /// The components that are being read, the innermost last.
    open: Vec<Counted>,
}

/// A component or a core module of which a part was read.
struct Counted {
    is_component: bool,
    definitions: u64,
    /// The definitions of each component that it can instantiate, by index; `None` where the file does not tell.
    components: Vec<Option<u64>>,
}

impl Size {
    /// Takes the next payload of the file. What is no valid component is not counted right, and refused by others.
    ///
    /// # Errors
    ///
    /// It is too much.
    pub(crate) fn count(&mut self, payload: &Payload) -> Result<(), TooLarge> {
        match payload {
            Payload::Version { encoding, .. } => {
                let is_component = *encoding == Encoding::Component;
                self.open.push(Counted { is_component, definitions: 1, components: vec![] });
            }
            Payload::End(_) => {
                let ended = self.open.pop();
                if let (Some(ended), Some(outer)) = (ended, self.open.last_mut())
                    && ended.is_component
                {
                    outer.components.push(Some(ended.definitions));
                }
            }
            Payload::InstanceSection(instances) => {
                for instance in instances.clone().into_iter().flatten() {
                    self.add(match instance {
                        Instance::Instantiate { args, .. } => args.len(),
                        Instance::FromExports(exports) => exports.len(),
                    })?;
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances.clone().into_iter().flatten() {
                    self.instance(&instance)?;
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases.clone().into_iter().flatten() {
                    self.alias(&alias)?;
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports.clone().into_iter().flatten() {
                    self.add(1)?;
                    if matches!(import.ty, ComponentTypeRef::Component(_)) {
                        self.knows(None);
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports.clone().into_iter().flatten() {
                    self.add(1)?;
                    if export.kind == ComponentExternalKind::Component {
                        let same = self.component(0, export.index);
                        self.knows(same);
                    }
                }
            }
            Payload::ComponentTypeSection(types) => self.add(types.count() as usize)?,
            Payload::CoreTypeSection(types) => self.add(types.count() as usize)?,
            Payload::ComponentCanonicalSection(functions) => self.add(functions.count() as usize)?,
            _ => {}
        }
        Ok(())
    }

    fn instance(&mut self, instance: &ComponentInstance) -> Result<(), TooLarge> {
        match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                let within = self.component(0, *component_index).ok_or(TooLarge::Unknown)?;
                self.add(usize::try_from(within).unwrap_or(usize::MAX).saturating_add(args.len()))
            }
            ComponentInstance::FromExports(exports) => self.add(exports.len()),
        }
    }

    fn alias(&mut self, alias: &ComponentAlias) -> Result<(), TooLarge> {
        self.add(1)?;
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let same = self.component(*count as usize, *index);
                self.knows(same);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => self.knows(None),
            _ => {}
        }
        Ok(())
    }

    /// The definitions of a component of the one that is `outward` from the innermost.
    fn component(&self, outward: usize, index: u32) -> Option<u64> {
        let at = self.open.len().checked_sub(outward.checked_add(1)?)?;
        self.open.get(at)?.components.get(index as usize).copied().flatten()
    }

    fn knows(&mut self, component: Option<u64>) {
        if let Some(innermost) = self.open.last_mut() {
            innermost.components.push(component);
        }
    }

    /// One definition, and what it is made of.
    fn add(&mut self, parts: usize) -> Result<(), TooLarge> {
        let Some(innermost) = self.open.last_mut() else { return Ok(()) };
        innermost.definitions = innermost.definitions.saturating_add(parts as u64).saturating_add(1);
        if innermost.definitions > MAX_DEFINITIONS { Err(TooLarge::Definitions) } else { Ok(()) }
    }
}
