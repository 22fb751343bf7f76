//! The operations of the application, by its own account of them.
//!
//! Tests that go over all of them cover a new route as soon as it is there.

use std::cell::Cell;

use serde_json::{Map, Value, json};

/// The application's OpenAPI document.
#[derive(Debug)]
pub(crate) struct Document {
    document: Value,
    operations: Vec<Operation>,
    /// What to send for ids that must lead to something, by the name of their field.
    known: Map<String, Value>,
    /// Makes names and addresses that nobody has yet.
    number: Cell<u32>,
}

/// What can be asked at one address with one method.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
}

/// What a request says outside of its body.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// `path`, `query` or `header`.
    pub(crate) place: String,
    pub(crate) required: bool,
    /// A value that is right.
    pub(crate) example: Option<String>,
}

/// A body: what it is called, and its schema.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) media_type: String,
    pub(crate) schema: Value,
}

/// One place in a body of JSON.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// The way to it, as keys and indices.
    pub(crate) way: Vec<String>,
    pub(crate) required: bool,
    pub(crate) schema: Value,
}

impl Operation {
    /// Whether it promises to change nothing.
    pub(crate) fn is_safe(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it is one of the tenant's, rather than of the whole application.
    pub(crate) fn is_of_tenant(&self) -> bool {
        let Some(path) = self.path.strip_prefix("/api/v1/") else { return false };
        let resource = path.split('/').next().unwrap_or_default();
        let elsewhere = ["admin", "auth", "dev", "me", "tenants"].contains(&resource);
        !elsewhere && path != "invitations/accept"
    }

    pub(crate) fn parameters(&self, place: &str) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |one| one.place == place)
    }

    /// Where it is asked, below `/t/{slug}` if it is of the tenant's.
    pub(crate) fn target(&self, slug: &str, id: &str) -> String {
        let mut path = self.path.replace("{id}", id).replace("{user_id}", id);
        let required = self.parameters("query").filter(|one| one.required);
        for (number, one) in required.enumerate() {
            let mark = if number == 0 { '?' } else { '&' };
            let value = one.example.as_deref().unwrap_or_default();
            path.push_str(&format!("{mark}{}={value}", one.name));
        }
        if self.path.starts_with("/api/") { format!("/t/{slug}{path}") } else { path }
    }
}

impl Document {
    pub(crate) fn new(known: Value) -> Self {
        let document = serde_json::to_value(membership::app::document().unwrap()).unwrap();
        let Value::Object(known) = known else { panic!("names and ids") };
        let mut new = Self { document, operations: Vec::new(), known, number: Cell::new(0) };
        new.operations = new.read_operations();
        // Whoever asks these cannot ask anything else afterwards.
        let last = ["/api/v1/auth/logout", "/api/v1/team/transfer-ownership"];
        new.operations.retain(|one| !last.contains(&one.path.as_str()));
        // These are for the application's own staff, at no tenant's address.
        new.operations.retain(|one| !one.path.starts_with("/api/v1/admin/"));
        new
    }

    /// What can be asked over and over.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Those, and what can be asked only once.
    pub(crate) fn all_operations(&self) -> Vec<Operation> {
        self.read_operations()
    }

    /// What is sent for an id of this name.
    pub(crate) fn known(&self, name: &str) -> Value {
        self.known[name].clone()
    }

    fn read_operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push(self.operation(&method.to_uppercase(), path, operation));
            }
        }
        assert!(all.len() >= 20, "{}", all.len());
        all
    }

    fn operation(&self, method: &str, path: &str, operation: &Value) -> Operation {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|one| Parameter {
            name: text(&one["name"]),
            place: text(&one["in"]),
            required: one["required"] == true,
            example: one["example"].as_str().map(str::to_owned),
        });
        let content = operation["requestBody"]["content"].as_object();
        let body = content.and_then(|content| content.iter().next()).map(|(kind, content)| Body {
            media_type: kind.clone(),
            schema: self.resolve(&content["schema"]).clone(),
        });
        Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            parameters: parameters.collect(),
            body,
        }
    }

    /// The schema itself, where there is only a reference to it.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.strip_prefix('#').unwrap();
            return self.resolve(self.document.pointer(pointer).unwrap());
        }
        let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        let real = choices.and_then(|all| all.iter().find(|one| one["type"] != "null"));
        real.map_or(schema, |one| self.resolve(one))
    }

    /// The types that a schema allows.
    pub(crate) fn types(&self, schema: &Value) -> Vec<String> {
        if let Some(all) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            return all.iter().flat_map(|one| self.types(one)).collect();
        }
        let schema = if schema["$ref"].is_null() { schema } else { self.resolve(schema) };
        match &schema["type"] {
            Value::String(one) => vec![one.clone()],
            Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
            _ => panic!("a schema without a type: {schema}"),
        }
    }

    /// Every field of a body, the ones inside of others too.
    pub(crate) fn fields(&self, schema: &Value) -> Vec<Field> {
        let mut all = Vec::new();
        self.add_fields(schema, &[], &mut all);
        all
    }

    fn add_fields(&self, schema: &Value, way: &[String], all: &mut Vec<Field>) {
        let schema = self.resolve(schema);
        let inner = match schema["properties"].as_object() {
            Some(properties) => properties.iter().map(|(name, one)| (name.clone(), one)).collect(),
            None if schema["items"].is_object() => vec![("0".to_owned(), &schema["items"])],
            None => Vec::new(),
        };
        for (name, schema_of_one) in inner {
            let way = [way, std::slice::from_ref(&name)].concat();
            let required = required(schema).any(|one| one == name);
            all.push(Field { way: way.clone(), required, schema: schema_of_one.clone() });
            self.add_fields(schema_of_one, &way, all);
        }
    }

    /// A value that fits a schema, with what is required and what `with` names besides.
    pub(crate) fn sample(&self, schema: &Value, with: &[&str]) -> Value {
        self.value("", schema, with)
    }

    fn value(&self, name: &str, schema: &Value, with: &[&str]) -> Value {
        let schema = self.resolve(schema);
        if let Some(all) = schema["enum"].as_array() {
            return all[0].clone();
        }
        if let Some(properties) = schema["properties"].as_object() {
            let required: Vec<&str> = required(schema).chain(with.iter().copied()).collect();
            let wanted = properties.iter().filter(|(name, _)| required.contains(&name.as_str()));
            let members = wanted.map(|(name, one)| (name.clone(), self.value(name, one, &[])));
            return Value::Object(members.collect());
        }
        match self.types(schema)[0].as_str() {
            "array" => match schema["example"].as_array().or(schema["examples"][0].as_array()) {
                Some(example) => json!(example),
                None => json!([self.value(name, &schema["items"], &[])]),
            },
            "integer" => schema["minimum"].as_i64().unwrap_or(1).into(),
            "object" => json!({}),
            "string" => self.text(name, schema),
            other => panic!("no sample of type `{other}`"),
        }
    }

    fn text(&self, name: &str, schema: &Value) -> Value {
        let example = schema["example"].as_str().or(schema["examples"][0].as_str());
        let number = self.number.get();
        match (self.known.get(name), example) {
            (Some(known), _) => known.clone(),
            // Names and addresses must often be new.
            (None, Some(example)) if ["name", "slug", "email"].contains(&name) => {
                self.number.set(number + 1);
                format!("n{number}{example}").into()
            }
            (None, Some(example)) => example.into(),
            (None, None) if schema["format"] == "uuid" => {
                uuid::Uuid::from_u128(7).to_string().into()
            }
            (None, None) => "a text without meaning".into(),
        }
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}
