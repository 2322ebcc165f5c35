#![no_main]

allod_fuzz::reader_target!("slurm", "job.sbatch");
