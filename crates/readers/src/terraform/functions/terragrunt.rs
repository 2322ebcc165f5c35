//! The functions of Terragrunt that only look at the files of the tree.
//! Source: the function reference of Terragrunt. Commands, secrets and accounts are not asked.

use super::{file, text_at};
use crate::files::folder_of;
use crate::terraform::eval::{Evaluator, Scope, failed, unknown_of};
use crate::terraform::module::find_above;
use crate::terraform::value::{Origin, Value};

pub(super) fn call<'t>(eval: &Evaluator<'t>, name: &str, args: &[Value], scope: Scope<'_, 't>) -> Option<Value> {
    let dir = scope.instance.module.dir;
    Some(match name {
        "find_in_parent_folders" => {
            let wanted = match args.first() {
                None => "terragrunt.hcl".into(),
                Some(_) => match text_at(args, 0) {
                    Some(wanted) => wanted,
                    None => return Some(unknown_of(args.first()?, "the name of a file is no text")),
                },
            };
            match (find_above(eval.files, dir, &wanted), args.get(1)) {
                (Some(path), _) => Value::text(&format!("/{path}")),
                (None, Some(other)) => other.clone(),
                (None, None) => failed(&format!("`{wanted}` is in no folder above")),
            }
        }
        "read_terragrunt_config" => {
            let Some(path) = text_at(args, 0) else {
                return Some(unknown_of(args.first()?, "a path is no text"));
            };
            let config = file::resolve(&path, scope).and_then(|path| eval.config(&path));
            let missing = || failed(&format!("`{path}` is not in the tree"));
            config.or_else(|| args.get(1).cloned()).unwrap_or_else(missing)
        }
        "get_env" => match args.get(1) {
            // The environment may say something else than the default.
            Some(default) => default.clone().from(&Origin::default().flippable()),
            None => {
                let name = text_at(args, 0).unwrap_or_default();
                Value::unknown("U001", format!("the environment variable `{name}` is set by no file"))
            }
        },
        "get_terragrunt_dir" | "get_original_terragrunt_dir" => Value::text(&format!("/{dir}")),
        "get_repo_root" => Value::text("/"),
        "path_relative_to_include" => Value::text(dir),
        "get_parent_terragrunt_dir" => {
            let above =
                find_above(eval.files, dir, "root.hcl").or_else(|| find_above(eval.files, dir, "terragrunt.hcl"));
            above.map_or_else(|| Value::text(&format!("/{dir}")), |path| Value::text(&format!("/{}", folder_of(&path))))
        }
        _ => return None,
    })
}
