//! Unions.

use super::*;

#[test]
fn the_discriminator_may_stand_anywhere() {
    for json in [
        r#"{"kind":"cat","name":"Tom","lives":9,"weight":4.10}"#,
        r#"{"name":"Tom","kind":"cat","lives":9,"weight":4.10}"#,
        r#"{"name":"Tom","lives":9,"weight":4.10,"kind":"cat"}"#,
        r#" { "name" : "Tom" , "lives" : 9 , "weight" : 4.10 , "\u006bind" : "c\u0061t" } "#,
    ] {
        let animal = read::<Animal>(json).unwrap();
        assert!(matches!(&animal, Animal::Cat(cat) if cat.name == "Tom" && cat.lives == Some(9)), "{json}");
        assert_eq!(write(&animal), r#"{"kind":"cat","name":"Tom","lives":9,"weight":4.10}"#);
        assert_eq!(serde_json::from_str::<Animal>(json).unwrap(), animal);
        assert_eq!(serde_json::from_reader::<_, Animal>(json.as_bytes()).unwrap(), animal);
    }
}

#[test]
fn what_is_not_known_is_kept() {
    for json in [
        r#"{"kind":"cow","milk":[1,{"a":null}],"z":1,"a":2}"#,
        r#"{"milk":true,"kind":"cow"}"#,
        r#"{"milk":true}"#,
        "{}",
        r#"{"kind":null}"#,
        r#"{"kind":5,"name":"x"}"#,
        r#"{"kind":"Cat","name":"x"}"#,
        r#"{"kind":"","name":"x"}"#,
    ] {
        assert!(matches!(returns_from_value::<Animal>(json), Animal::Other(_)), "{json}");
        let text = format!(
            r#"{{"text":"","animal":{json},"animals":[{json},{json}],"zoo":{{"a":{json}}},"maybeAnimal":{json}}}"#
        );
        returns_from_value::<Everything>(&text);
    }
}

#[test]
fn an_open_variant_keeps_what_it_does_not_know_and_one_discriminator() {
    let dog: Animal = returns_from_value(r#"{"kind":"dog","good":true,"age":5}"#);
    assert!(matches!(&dog, Animal::Dog(dog) if dog.rest.len() == 1));
    let dog: Animal = read(r#"{"age":5,"kind":"dog","kind":"cat"}"#).unwrap();
    assert_eq!(write(&dog), r#"{"kind":"dog","age":5}"#);
}

#[test]
fn unions_within_unions() {
    let json = r##"{"kind":"#Zoo.Herd","members":[{"kind":"cat","name":"a","weight":1.00},{"kind":"#Zoo.Herd","members":[]},{"kind":"yak"}],"leader":{"kind":"dog"},"byName":{"x":{"kind":"cat","name":"b"}}}"##;
    let herd: Animal = returns(json);
    let Animal::Herd(herd) = herd else { panic!() };
    assert!(matches!(&herd.members.unwrap()[..], [Animal::Cat(_), Animal::Herd(_), Animal::Other(_)]));
    assert!(matches!(&**herd.leader.as_ref().unwrap(), Animal::Dog(_)));
    let late = r##"{"members":[{"name":"a","kind":"cat"},{"members":[{"good":true,"kind":"dog"}],"kind":"#Zoo.Herd"}],"kind":"#Zoo.Herd"}"##;
    let early = r##"{"kind":"#Zoo.Herd","members":[{"kind":"cat","name":"a"},{"kind":"#Zoo.Herd","members":[{"kind":"dog","good":true}]}]}"##;
    assert_eq!(read::<Animal>(late).unwrap(), returns_from_value::<Animal>(early));
}

#[test]
fn a_union_that_is_a_variant() {
    let shape: Shape = read(r#"{"form":"animal","name":"a","kind":"cat"}"#).unwrap();
    assert!(matches!(&shape, Shape::Animal(animal) if matches!(&**animal, Animal::Cat(_))));
    assert_eq!(error::<Shape>(r#"{"form":"again"}"#), "more than 128 arrays and objects within one another");
}

#[test]
fn optional_ones() {
    let value: Everything = read(r#"{"text":"","animal":null,"animals":[],"maybeAnimal":null}"#).unwrap();
    assert_eq!(value.animal, None);
    assert_eq!(write(&value), r#"{"text":"","animals":[],"maybeAnimal":null}"#);
}

#[test]
fn errors_have_the_path_through_the_union() {
    for (json, wanted) in [
        (r#"5"#, "expected an object, found a number"),
        (r#"null"#, "expected an object, found null"),
        (r#"["kind"]"#, "expected an object, found an array"),
        (r#"{"kind":"cat"}"#, "the property `name` is missing"),
        (r#"{"lives":"x","kind":"cat"}"#, "lives: expected a 32-bit integer, found a string"),
        (
            r##"{"members":[{"kind":"dog"},{"members":[{"inner":{"first":true},"kind":"dog"}],"kind":"#Zoo.Herd"}],"kind":"#Zoo.Herd"}"##,
            "members[1].members[0].inner.first: expected a 32-bit integer, found a boolean",
        ),
    ] {
        assert_eq!(error::<Animal>(json), wanted, "{json}");
        let tree: Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_value::<Animal>(tree).unwrap_err().to_string(), wanted);
        let wanted = match wanted.split_once(':') {
            Some(_) => format!("animals[0].{wanted}"),
            None => format!("animals[0]: {wanted}"),
        };
        assert_eq!(error::<Everything>(&format!(r#"{{"text":"","animals":[{json}]}}"#)), wanted);
    }
    assert_eq!(error::<Everything>(r#"{"text":"","animal":5}"#), "animal: expected an object, found a number");
    assert_eq!(
        error::<Everything>(r#"{"text":"","maybeAnimal":[]}"#),
        "maybeAnimal: expected an object, found an array"
    );
}

#[test]
fn a_model_reads_itself_with_and_without_its_discriminator() {
    for json in [r#"{"name":"a"}"#, r#"{"name":"a","kind":"cat"}"#, r#"{"name":"a","kind":"dog"}"#] {
        assert_eq!(write(&read::<Cat>(json).unwrap()), r#"{"kind":"cat","name":"a"}"#);
    }
}
