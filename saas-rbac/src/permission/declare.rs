/// Declares the permissions of an application: the only place where one is written.
///
/// Each resource is a module, each of its permissions a marker type in it. The doc comment of a
/// permission is its description. `Catalogue` checks the whole declaration when it is compiled.
/// See the [module docs](crate::permission) for an example.
///
/// A bit is stored in roles and keys. Never give it to another permission, not even after its own
/// was removed: roles that had the old one would have the new one.
#[macro_export]
macro_rules! permissions {
    (
        $(#[$meta:meta])*
        $vis:vis mod $module:ident {
            $(
                $(#[$resource_meta:meta])*
                $resource:ident {
                    $(
                        $(#[doc = $description:literal])+
                        $name:ident: $action:literal = $bit:literal, $risk:ident;
                    )+
                }
            )+
        }
    ) => {
        $(#[$meta])*
        $vis mod $module {
            $(
                $(#[$resource_meta])*
                pub mod $resource {
                    $(
                        $(#[doc = $description])+
                        #[derive(Debug, Clone, Copy)]
                        pub enum $name {}

                        impl $crate::permission::Permission for $name {
                            const BIT: u8 = $bit;
                            const NAME: &'static str =
                                ::core::concat!(::core::stringify!($resource), ":", $action);
                            const RISK: $crate::permission::Risk =
                                $crate::permission::Risk::$risk;
                        }
                    )+
                }
            )+

            /// All permissions of this declaration.
            pub const CATALOGUE: $crate::permission::Catalogue =
                $crate::permission::Catalogue::new(&[
                    $($(
                        $crate::permission::PermissionInfo::of::<$resource::$name>(
                            ::core::concat!($($description),+).trim_ascii(),
                        ),
                    )+)+
                ]);
        }
    };
}
