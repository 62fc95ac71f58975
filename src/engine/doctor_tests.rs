//! What the doctor says, case by case.
