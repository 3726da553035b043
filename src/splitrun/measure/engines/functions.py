"""The functions that a query may call: a closed list of what depends on its arguments alone."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

LOGIC = """
and or xor not case if iif cast try_cast try coalesce ifnull nvl nvl2 nullif greatest least exists in any
all is_nan isnan is_inf isinf isfinite decode_case equal_null typeof columns
"""

NUMBERS = """
abs sign signum ceil ceiling floor round trunc truncate even mod power pow sqrt cbrt exp ln log log2 log10
sin cos tan cot asin acos atan atan2 sinh cosh tanh asinh acosh atanh degrees radians pi factorial gcd lcm
fmod fdiv bit_count xor width_bucket safe_divide nanvl add subtract multiply divide
"""

TEXTS = """
lower lcase upper ucase length len char_length character_length strlen trim ltrim rtrim substring substr
left right concat concat_ws replace reverse repeat lpad rpad pad split split_part string_split
string_split_regex str_split str_position strpos position instr contains starts_with startswith ends_with
endswith prefix suffix ascii chr unicode initcap translate regexp_matches regexp_like regexp_full_match
regexp_replace regexp_extract regexp_extract_all regexp_split regexp_split_to_array regexp_count
regexp_i_like like_escape levenshtein hamming jaccard md5 sha1 sha sha2 sha256 hash s_h_a1_digest
s_h_a2_digest hex unhex to_hex to_base64 from_base64 base64_encode format printf strip_accents nfc_normalize
string_to_array array_to_string bit_length byte_length url_encode url_decode to_char number_to_str
format_bytes
"""

TIMES = """
date datetime timestamp time date_trunc datetime_trunc timestamp_trunc time_trunc date_part extract
date_diff datediff date_sub date_add datetime_add datetime_sub datetime_diff timestamp_add timestamp_sub
timestamp_diff time_add time_sub time_diff date_bin time_bucket year quarter month week weekofyear
week_of_year yearweek day dayofmonth day_of_month dayofweek day_of_week dayofweek_iso isodow weekday
dayofyear day_of_year hour minute second millisecond microsecond dayname monthname last_day
last_day_of_month strftime strptime try_strptime time_to_str str_to_time str_to_date ts_or_ds_to_date
ts_or_ds_to_timestamp ts_or_ds_to_date_str ts_or_ds_add ts_or_ds_diff ts_or_ds_to_time ts_or_ds_to_datetime
epoch epoch_ms epoch_us epoch_ns unix_to_time unix_seconds unix_millis unix_micros time_to_unix make_date
make_time make_timestamp make_timestamptz timestamp_from_parts timestampfromparts date_from_parts
datefromparts time_from_parts timefromparts from_iso8601_timestamp to_timestamp timezone convert_timezone
to_days to_hours to_minutes to_seconds to_weeks to_months to_years make_interval justify_days justify_hours
justify_interval isfinite age generate_date_array generate_timestamp_array add_months months_between
date_str_to_date time_str_to_time time_str_to_date
"""

AGGREGATES = """
count count_if countif count_star sum fsum sumkahan kahan_sum avg favg mean min max any_value first last
arbitrary first_value last_value nth_value lag lead row_number rank dense_rank percent_rank cume_dist ntile
arg_max arg_min argmax argmin max_by min_by median mode quantile quantile_cont quantile_disc percentile_cont
percentile_disc approx_quantile approx_distinct approx_count_distinct stddev stddev_pop stddev_samp stdev
variance var_pop var_samp variance_pop variance_samp corr covar_pop covar_samp regr_slope regr_intercept
regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_syy regr_sxy skewness kurtosis entropy product bool_and
bool_or logical_and logical_or bit_and bit_or bit_xor bitwise_and_agg bitwise_or_agg bitwise_xor_agg
string_agg group_concat listagg list array_agg histogram grouping grouping_id filter
"""

NESTED = """
array list_value struct struct_pack row map struct_extract array_extract list_extract element_at explode
map_from_entries map_keys map_values map_extract cardinality array_length array_size list_contains
array_contains list_has array_has array_position list_position list_sum list_avg list_min list_max
list_count list_sort array_sort list_reverse array_reverse list_distinct array_distinct list_unique
array_unique_agg list_filter array_filter filter list_transform transform array_transform apply list_apply
list_reduce reduce list_concat array_concat array_cat list_append array_append list_slice array_slice
list_any_value list_aggregate list_aggr flatten unnest generate_series range list_zip arrays_zip array_any
array_all array_first array_last json_extract json_extract_string json_extract_scalar jsonb_extract
jsonb_extract_scalar json_type json_valid json_array_length json_keys json json_value
"""

FUNCTIONS = frozenset(f"{LOGIC} {NUMBERS} {TEXTS} {TIMES} {AGGREGATES} {NESTED}".split())
"""Names in lower case, as sqlglot or DuckDB calls them."""
