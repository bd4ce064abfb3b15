//! The macro of `witapi-sdk`, which re-exports it; see there.

mod offered;
mod text;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use std::path::{Path, PathBuf};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, LitByteStr, LitStr, Token, braced, bracketed, token};

/// Makes the Rust bindings of a WIT world, and puts the WIT itself into the component.
///
/// Takes the options of `wit_bindgen::generate!` of wit-bindgen 0.63:
/// `path`, which is `"wit"` unless given, `world`, which may be left out where the package has only one, and the rest.
/// Only `inline` is not among them: write the WIT to a file.
/// `generate_all` is always on. Packages that the host offers need no copy among the author's files.
///
/// The WIT's text, with its documentation and external ids and with those of every package that it depends on, ends up in
/// the custom section `witapi:wit`. The host makes the API's documentation of it.
#[proc_macro]
pub fn plugin(options: proc_macro::TokenStream) -> proc_macro::TokenStream {
    syn::parse_macro_input!(options as Options).expand().unwrap_or_else(Error::into_compile_error).into()
}

#[derive(Default)]
struct Options {
    /// As the author wrote them, for wit-bindgen, but `path` and `world`.
    rest: TokenStream,
    /// The WIT files or folders of the option `path`.
    paths: Vec<LitStr>,
    world: Option<LitStr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Options::default();
        if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            while !content.is_empty() {
                options.take_one(&content)?;
            }
        }
        if options.paths.is_empty() {
            options.paths.push(LitStr::new("wit", Span::call_site()));
        }
        Ok(options)
    }
}

fn one_or_several(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    if input.peek(token::Bracket) {
        let list;
        bracketed!(list in input);
        Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?.into_iter().collect())
    } else {
        Ok(vec![input.parse()?])
    }
}

impl Options {
    fn take_one(&mut self, content: ParseStream<'_>) -> syn::Result<()> {
        let name: TokenTree = content.parse()?;
        match name.to_string().as_str() {
            "path" => {
                content.parse::<Token![:]>()?;
                self.paths = one_or_several(content)?;
            }
            "world" => {
                content.parse::<Token![:]>()?;
                self.world = Some(content.parse()?);
            }
            "inline" => {
                let message = "`inline` is not supported: write the WIT to a file, and name it with `path`";
                return Err(Error::new(name.span(), message));
            }
            _ => {
                // The rest of the option is wit-bindgen's to judge.
                self.rest.extend([name]);
                while !content.is_empty() && !content.peek(Token![,]) {
                    self.rest.extend([content.parse::<TokenTree>()?]);
                }
                self.rest.extend(quote! { , });
            }
        }
        content.parse::<Option<Token![,]>>().map(drop)
    }

    fn expand(self) -> syn::Result<TokenStream> {
        let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        let crate_folder = Path::new(&crate_folder);
        let own: Vec<PathBuf> = self.paths.iter().map(|path| crate_folder.join(path.value())).collect();
        let mut paths = offered::missing(&own, crate_folder);
        paths.extend(own);
        // `generate!` also makes rustc watch the WIT's files, so nothing here has to.
        let wit = text::of(&paths, self.world.as_ref().map(LitStr::value).as_deref());
        let embedded = wit.as_ref().map(|wit| {
            let length = wit.text.len();
            let text = LitByteStr::new(wit.text.as_bytes(), Span::call_site());
            quote! {
                #[cfg(target_family = "wasm")]
                const _: () = {
                    #[unsafe(link_section = "witapi:wit")]
                    static WIT: [u8; #length] = *#text;
                };
            }
        });
        // By its whole name, since wit-bindgen takes the packages of all paths for the author's.
        let whole = wit.and_then(|wit| wit.world).map(|world| LitStr::new(&world, Span::call_site()));
        let world = whole.or(self.world).map(|world| quote! { world: #world, });
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        let rest = self.rest;
        Ok(quote! {
            ::witapi_sdk::wit_bindgen::generate!({
                path: [#(#paths),*],
                #world
                generate_all,
                runtime_path: "::witapi_sdk::wit_bindgen::rt",
                #rest
            });
            #embedded
            ::witapi_sdk::__begin!();
        })
    }
}
