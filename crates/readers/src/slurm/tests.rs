use super::*;

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let mut files = Files::new();
    files.insert("job.sh", text.as_bytes());
    let facts = read(&files, &["job.sh"]);
    let id = |at: u32| facts.components[at as usize].id.trim_start_matches("slurm:job.sh").to_owned();
    let mut lines = Vec::new();
    for (at, component) in facts.components.iter().enumerate() {
        let clues: Vec<_> = component.clues.iter().map(|clue| clue.text.to_string()).collect();
        let seen: Vec<_> = component.evidence.iter().map(|seen| seen.line.to_string()).collect();
        lines.push(format!(
            "{} {:?} {} [{}] {:?} @{}",
            id(at as u32),
            component.role,
            component.layer.name(),
            clues.join(" "),
            component.confidence,
            seen.join(","),
        ));
    }
    for link in &facts.links {
        lines.push(format!("{} {} {} {:?}", id(link.from), link.kind.name(), id(link.to), link.mitigations));
    }
    lines.extend(facts.unresolved.iter().map(|u| format!("{} {} @{}", u.code, u.message, u.evidence.line)));
    lines.extend(facts.diagnostics.iter().map(|d| format!("{} {} @{}", d.code, d.message, d.line)));
    assert_eq!(lines, expect, "\n{}", lines.join("\n"));
}

#[test]
fn a_model_served_on_meluxina() {
    check(
        r#"#!/bin/bash -l
#SBATCH --job-name=serve
#SBATCH --account=p200981
#SBATCH --partition=gpu --time=04:00:00

module load env/release/2023.1 Apptainer/1.3.1
export HF_HOME=/project/home/p200981/hf
export HF_HUB_OFFLINE=1
export OTEL_EXPORTER_OTLP_ENDPOINT="https://otlp.acme.eu:4318"
export HF_TOKEN=hf_secretsecret
MODEL=mistralai/Mistral-Small-3.2

apptainer pull vllm.sif docker://vllm/vllm-openai:v0.9
srun apptainer exec --nv vllm.sif \
  vllm serve "$MODEL" --port 8000
curl -s -X POST -d @out.json https://hooks.acme.eu/done?token=abc
"#,
        &[
            "# Own application [] High @2",
            "hpc:meluxina Provided compute [meluxina supercomputer meluxina] Medium @3,6,7,4",
            "host:otlp.acme.eu Provided unclassified [otlp.acme.eu] High @9",
            "#env:HF_TOKEN Provided unclassified [HF_TOKEN] Low @10",
            "model:huggingface.co/mistralai/Mistral-Small-3.2 Artefact ai-model [huggingface.co mistralai] High @11,15",
            "host:huggingface.co Provided unclassified [huggingface.co] High @11,15",
            "hpc-module:Apptainer/1.3.1 Artefact packages [apptainer] Low @6",
            "image:docker.io/vllm/vllm-openai:v0.9 Artefact registry [docker.io/vllm/vllm-openai] High @13",
            "host:hooks.acme.eu Provided unclassified [hooks.acme.eu] High @16",
            "# runs_on hpc:meluxina []",
            "# sends_to host:otlp.acme.eu []",
            "# sends_to #env:HF_TOKEN []",
            "# built_from model:huggingface.co/mistralai/Mistral-Small-3.2 [LocalMirror]",
            "model:huggingface.co/mistralai/Mistral-Small-3.2 built_from host:huggingface.co [LocalMirror]",
            "# built_from hpc-module:Apptainer/1.3.1 []",
            "# built_from image:docker.io/vllm/vllm-openai:v0.9 []",
            "# sends_to host:hooks.acme.eu []",
        ],
    );
}

#[test]
fn fetches_and_what_is_not_known() {
    check(
        "#SBATCH -p gpu\n#SBATCH --container-image=nvcr.io#nvidia/pytorch:24.01-py3\npip install --index-url https://pypi.acme.eu/simple torch==2 -r requirements.txt\ngit clone https://user:pw@github.com/acme/train.git\nwget https://data.acme.eu/set.tar\nsrun singularity run other.sif python x.py --model $WHAT --api https://<redacted>/v1\nhf download openai/whisper-large\n",
        &[
            "# Own application [] High @1",
            "#cluster Provided compute [] Medium @1",
            "image:nvcr.io/nvidia/pytorch:24.01-py3 Artefact registry [nvcr.io/nvidia/pytorch] High @2",
            "host:pypi.acme.eu Provided unclassified [pypi.acme.eu] High @3",
            "package:pypi/torch Artefact packages [torch] Low @3",
            "git:github.com/acme/train Artefact source [github.com] High @4",
            "host:data.acme.eu Provided unclassified [data.acme.eu] High @5",
            "model:huggingface.co/openai/whisper-large Artefact ai-model [huggingface.co openai] High @7",
            "host:huggingface.co Provided unclassified [huggingface.co] High @7",
            "# runs_on #cluster []",
            "# built_from image:nvcr.io/nvidia/pytorch:24.01-py3 []",
            "# built_from host:pypi.acme.eu []",
            "# built_from package:pypi/torch []",
            "# built_from git:github.com/acme/train []",
            "# built_from host:data.acme.eu []",
            "# built_from model:huggingface.co/openai/whisper-large []",
            "model:huggingface.co/openai/whisper-large built_from host:huggingface.co []",
            "U007 no file says on which cluster the job runs (partition `gpu`) @1",
            "U001 the model comes from a variable that the script does not set @6",
            "U003 the image file `other.sif` was made elsewhere, and the script does not say from what @6",
            "U006 an address is redacted or a template @6",
        ],
    );
}

#[test]
fn a_model_from_ollama() {
    check(
        "#SBATCH -A p200123     # project\nmodule add Apptainer\napptainer pull docker://ollama/ollama\napptainer exec --nv ollama_latest.sif ollama pull mistral\n",
        &[
            "# Own application [] High @1",
            "hpc:meluxina Provided compute [meluxina supercomputer meluxina] Medium @1",
            "hpc-module:Apptainer Artefact packages [apptainer] Low @2",
            "image:docker.io/ollama/ollama Artefact registry [docker.io/ollama/ollama] High @3",
            "model:registry.ollama.ai/mistral Artefact ai-model [registry.ollama.ai] High @4",
            "host:registry.ollama.ai Provided unclassified [registry.ollama.ai] Medium @4",
            "# runs_on hpc:meluxina []",
            "# built_from hpc-module:Apptainer []",
            "# built_from image:docker.io/ollama/ollama []",
            "# built_from model:registry.ollama.ai/mistral []",
            "model:registry.ollama.ai/mistral built_from host:registry.ollama.ai []",
        ],
    );
}

#[test]
fn no_cut_and_no_binary_panics() {
    let text = "#SBATCH -A 'x' --m=\"é\npip install -i ${A:-https://b.eu} \\\napptainer run docker://é$(x ${ hf download a/b; --model=a/é git clone git@x:y 'un";
    for cut in 0..=text.len() {
        let mut files = Files::new();
        files.insert("a.sh", &text.as_bytes()[..cut]);
        read(&files, &["a.sh"]);
    }
    let mut files = Files::new();
    files.insert("a.sh", vec![0_u8, 1, 2]);
    assert_eq!(read(&files, &["a.sh"]).diagnostics[0].code, "D002");
}

#[test]
fn images_of_definitions_and_models_of_harnesses() {
    check(
        "#SBATCH -p x\nCONTAINER_URL=nvcr.io/nvidia/pytorch:25.10\nOTHER_CONTAINER=$X/a.sif\ncat <<EOF > a.def\n\
         Bootstrap: docker\nFrom: quay.io/acme/train:1\nEOF\n\
         python main.py --model_args pretrained=acme/tiny,dtype=float16\n",
        &[
            "# Own application [] High @1",
            "#cluster Provided compute [] Medium @1",
            "image:nvcr.io/nvidia/pytorch:25.10 Artefact registry [nvcr.io/nvidia/pytorch] High @2",
            "image:quay.io/acme/train:1 Artefact registry [quay.io/acme/train] High @6",
            "model:huggingface.co/acme/tiny Artefact ai-model [huggingface.co acme] High @8",
            "host:huggingface.co Provided unclassified [huggingface.co] High @8",
            "# runs_on #cluster []",
            "# built_from image:nvcr.io/nvidia/pytorch:25.10 []",
            "# built_from image:quay.io/acme/train:1 []",
            "# built_from model:huggingface.co/acme/tiny []",
            "model:huggingface.co/acme/tiny built_from host:huggingface.co []",
            "U007 no file says on which cluster the job runs (partition `x`) @1",
        ],
    );
}
