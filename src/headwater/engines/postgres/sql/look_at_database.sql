-- What a store cannot do without, whatever is in it.
SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')
