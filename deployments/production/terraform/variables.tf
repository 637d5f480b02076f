variable "project" {
  description = "Project of the pipeline."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the pipeline, and of the ops bucket."
  type        = string
  default     = "us-central1"
}

variable "data_bucket" {
  description = "Bucket with the pipeline's scenes. It must exist; nothing of it is changed but who may use it and whom it tells."
  type        = string
}

variable "ops_bucket" {
  description = "Bucket to make for journals, leases and quarantined copies."
  type        = string
  validation {
    condition     = var.ops_bucket != var.data_bucket
    error_message = "What is written to the data bucket starts workflows: the ops bucket must be another one."
  }
}

variable "backup_bucket" {
  description = "Bucket to make for backups."
  type        = string
  validation {
    condition     = !contains([var.data_bucket, var.ops_bucket], var.backup_bucket)
    error_message = "Backups must be in a bucket of their own."
  }
}

variable "backup_location" {
  description = "Location of the backup bucket. Another one than the data bucket's costs egress for each copy."
  type        = string
  default     = "us-central1"
}

variable "backup_retention_days" {
  description = "Days in which nobody can delete or replace what is in the backup bucket. Keep keep_nights of the environment block above it."
  type        = number
  default     = 14
  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 365
    error_message = "Between 1 and 365 days."
  }
}

variable "backups_expire" {
  description = "Whether flows may let old nights go. If not, they may only add to the backup bucket."
  type        = bool
  default     = true
}

variable "terraform_state_bucket" {
  description = "Bucket with the pipeline's Terraform state, to be backed up; empty: it is not."
  type        = string
  default     = ""
}

variable "restore_terraform_state" {
  description = "Whether flows may write Terraform's state back. Without it they may read it only."
  type        = bool
  default     = false
  validation {
    condition     = !var.restore_terraform_state || var.terraform_state_bucket != ""
    error_message = "Name terraform_state_bucket, too."
  }
}

variable "restore_definitions" {
  description = "Whether flows may put recorded workflows and jobs back."
  type        = bool
  default     = false
}

variable "read_override_records" {
  description = "Whether the override audit may read the pipeline's approval records in Firestore. Firestore gives this right for all of a project's documents."
  type        = bool
  default     = false
}

variable "raise_node_pools" {
  description = "Whether flows may raise the bounds and sizes of node pools when GPUs are short."
  type        = bool
  default     = false
}

variable "trigger_subscriptions" {
  description = "Names of the Pub/Sub subscriptions of the pipeline's triggers, whose delivery may be held. The plan of pause-intake lists them."
  type        = set(string)
  default     = []
}

variable "pipeline_service_accounts" {
  description = "E-mails of the accounts under which the pipeline's triggers, workflows and jobs run: needed where their definitions or subscriptions are written."
  type        = set(string)
  default     = []
}

variable "receiver_url" {
  description = "Where the receiver is reached from outside, without a path: https://receiver.example. Also the audience of its tokens."
  type        = string
  validation {
    condition     = can(regex("^https://[^/]+$", var.receiver_url))
    error_message = "An https address without a path."
  }
}

variable "kubernetes_namespace" {
  description = "Namespace of the cluster in which the flows and the receiver run."
  type        = string
  default     = "blueprint-remediation"
}

variable "people_channels" {
  description = "Notification channels of Cloud Monitoring that reach people: told when events are not taken."
  type        = list(string)
  default     = []
}
