"""All SQL, the schema and its migrations. Synchronous; decides nothing; never commits by itself."""
