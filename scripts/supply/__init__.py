"""What the project is made of: its lock files, the licences of what they name, a bill of materials, an audit."""
