terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  cloud {
    organization = "clinic"
    workspaces {
      name = "backup"
    }
  }
}

# Cheapest region when this was set up.
variable "backup_region" {
  type    = string
  default = "us-east-1"
}

provider "aws" {
  region = var.backup_region
}

resource "aws_s3_bucket" "backups" {
  bucket = "clinic-nightly-backups"

  tags = {
    "allod-data"        = "patient"
    "allod-environment" = "production"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "backups" {
  bucket = aws_s3_bucket.backups.id

  rule {
    id     = "expire"
    status = "Enabled"
    expiration {
      days = 35
    }
  }
}
