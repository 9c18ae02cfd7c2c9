"""Which part of a model matters: outcomes regressed on components, with how little can be told."""

from evaluation.questions.components.result import ComponentStudy
from evaluation.questions.components.study import component_study

__all__ = ["ComponentStudy", "component_study"]
