terraform {
  required_version = ">= 1.8"

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 3.0"
    }
  }

  backend "s3" {
    bucket    = "clinic-tofu-state"
    key       = "cluster/terraform.tfstate"
    region    = "bettembourg"
    endpoints = { s3 = "https://objects.clinic.example" }
  }
}

variable "region" {
  description = "Region of our own cloud"
  type        = string
  default     = "bettembourg"
}

variable "workers" {
  description = "Names of the worker nodes and their flavors"
  type        = map(string)
  default = {
    worker-1 = "b3-16"
    worker-2 = "b3-16"
    worker-3 = "b3-32"
  }
}

provider "openstack" {
  auth_url    = "https://openstack.clinic.example:5000/v3"
  domain_name = "Default"
  region      = var.region
}

resource "openstack_networking_network_v2" "cluster" {
  name           = "clinic-prod"
  admin_state_up = true
}

resource "openstack_compute_instance_v2" "worker" {
  for_each    = var.workers
  name        = "clinic-${each.key}"
  flavor_name = each.value
  image_name  = "Debian 12"
  key_pair    = "ops"

  network {
    name = openstack_networking_network_v2.cluster.name
  }

  metadata = {
    "allod-data"        = "patient"
    "allod-environment" = "production"
  }
}

resource "openstack_blockstorage_volume_v3" "records" {
  name = "patient-records"
  size = 500

  metadata = {
    "allod-data"        = "patient"
    "allod-environment" = "production"
  }
}
