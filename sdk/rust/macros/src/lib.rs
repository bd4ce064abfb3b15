//! The macro of `witapi-sdk`, which re-exports it; see there.

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
/// `generate_all` is always on.
///
/// The WIT's text, with its documentation and external ids and with those of every package that it depends on, ends up in
/// the custom section `witapi:wit`. The host makes the API's documentation of it.
#[proc_macro]
pub fn plugin(options: proc_macro::TokenStream) -> proc_macro::TokenStream {
    syn::parse_macro_input!(options as Options).expand().unwrap_or_else(Error::into_compile_error).into()
}

struct Options {
    /// As the author wrote them, for wit-bindgen.
    all: TokenStream,
    /// The WIT files or folders of the option `path`.
    paths: Vec<LitStr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = TokenStream::new();
        let mut paths = vec![LitStr::new("wit", Span::call_site())];
        if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            all = content.fork().parse()?;
            while !content.is_empty() {
                let name: TokenTree = content.parse()?;
                match name.to_string().as_str() {
                    "path" => {
                        content.parse::<Token![:]>()?;
                        paths = one_or_several(&content)?;
                    }
                    "inline" => {
                        let message = "`inline` is not supported: write the WIT to a file, and name it with `path`";
                        return Err(Error::new(name.span(), message));
                    }
                    _ => {}
                }
                // The rest of the option is wit-bindgen's to judge.
                while !content.is_empty() && !content.peek(Token![,]) {
                    content.parse::<TokenTree>()?;
                }
                content.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(Options { all, paths })
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
    fn expand(self) -> syn::Result<TokenStream> {
        let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| Path::new(&crate_folder).join(path.value())).collect();
        let options = self.all;
        // `generate!` also makes rustc watch the WIT's files, so nothing here has to.
        let embedded = text::of(&paths).map(|wit| {
            let length = wit.len();
            let wit = LitByteStr::new(wit.as_bytes(), Span::call_site());
            quote! {
                #[cfg(target_family = "wasm")]
                const _: () = {
                    #[unsafe(link_section = "witapi:wit")]
                    static WIT: [u8; #length] = *#wit;
                };
            }
        });
        Ok(quote! {
            ::witapi_sdk::wit_bindgen::generate!({
                generate_all,
                runtime_path: "::witapi_sdk::wit_bindgen::rt",
                #options
            });
            #embedded
        })
    }
}
