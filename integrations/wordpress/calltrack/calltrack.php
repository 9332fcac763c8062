<?php
/**
 * Plugin Name: calltrack
 * Description: Shows every visitor a tracking number instead of the business number written on the page.
 * Version: 1.0
 * Requires at least: 6.3
 * Requires PHP: 7.4
 * License: GPL-2.0-or-later
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

const CALLTRACK_FIELDS = array(
	'service' => 'Address of the service (https://calls.example.com)',
	'site'    => 'Site key (from the dashboard)',
	'consent' => 'Until the visitor answers the consent banner',
	'link'    => 'Other domains of the company, parted by blanks',
	'forms'   => 'Link callers with phone numbers typed into forms',
);

// Google consent mode and TCF banners are heard in every case; a refusal always counts.
const CALLTRACK_CHOICES = array(
	'consent' => array(
		''         => 'Work at once',
		'required' => 'Strict: nothing stored, nothing sent, the business number',
		'source'   => "Source level: the number of the visit's source, nobody remembered",
	),
	'forms'   => array(
		''   => 'No',
		'on' => 'Yes, with consent',
	),
);

/** Return the settings as they were saved, every field a string. */
function calltrack_settings() {
	$saved = get_option( 'calltrack', array() );
	return array_merge( array_fill_keys( array_keys( CALLTRACK_FIELDS ), '' ), is_array( $saved ) ? $saved : array() );
}

/** Keep what can be right: an https origin, a key, known words. */
function calltrack_clean( $given ) {
	$given = is_array( $given ) ? array_map( 'sanitize_text_field', $given ) : array();
	$clean = array();
	foreach ( array_keys( CALLTRACK_FIELDS ) as $name ) {
		$clean[ $name ] = isset( $given[ $name ] ) ? trim( $given[ $name ] ) : '';
	}
	if ( ! preg_match( '#^https://[a-z0-9.-]+(:[0-9]+)?$#i', $clean['service'] ) ) {
		$clean['service'] = '';
		add_settings_error( 'calltrack', 'service', 'Write the address of the service as https:// and its host, nothing behind it.' );
	}
	if ( ! array_key_exists( $clean['consent'], CALLTRACK_CHOICES['consent'] ) ) {
		$clean['consent'] = 'required';
	}
	$clean['forms'] = 'on' === $clean['forms'] ? 'on' : '';
	return $clean;
}

/** Write the one line into the head of every page. */
function calltrack_print() {
	$settings = calltrack_settings();
	if ( '' === $settings['service'] || '' === $settings['site'] ) {
		return;
	}
	$words = '';
	foreach ( array( 'site', 'consent', 'link', 'forms' ) as $name ) {
		if ( '' !== $settings[ $name ] ) {
			$words .= sprintf( ' data-%s="%s"', $name, esc_attr( $settings[ $name ] ) );
		}
	}
	printf( "<script async src=\"%s\"%s></script>\n", esc_url( $settings['service'] . '/ct.js' ), $words ); // phpcs:ignore
}
add_action( 'wp_head', 'calltrack_print', 1 );

/** Draw one field: a choice where only some words are known, else a line to write in. */
function calltrack_field( $name, $value ) {
	if ( ! array_key_exists( $name, CALLTRACK_CHOICES ) ) {
		printf( '<input class="regular-text" id="calltrack-%1$s" name="calltrack[%1$s]" value="%2$s">', esc_attr( $name ), esc_attr( $value ) );
		return;
	}
	printf( '<select id="calltrack-%1$s" name="calltrack[%1$s]">', esc_attr( $name ) );
	foreach ( CALLTRACK_CHOICES[ $name ] as $word => $meaning ) {
		printf( '<option value="%s"%s>%s</option>', esc_attr( $word ), selected( $value, $word, false ), esc_html( $meaning ) );
	}
	echo '</select>';
}

/** Draw the settings page. */
function calltrack_page() {
	$settings = calltrack_settings();
	echo '<div class="wrap"><h1>calltrack</h1><form method="post" action="options.php">';
	settings_fields( 'calltrack' );
	echo '<table class="form-table">';
	foreach ( CALLTRACK_FIELDS as $name => $label ) {
		printf( '<tr><th><label for="calltrack-%1$s">%2$s</label></th><td>', esc_attr( $name ), esc_html( $label ) );
		calltrack_field( $name, $settings[ $name ] );
		echo '</td></tr>';
	}
	echo '</table>';
	submit_button();
	echo '</form></div>';
}

add_action(
	'admin_init',
	function () {
		register_setting( 'calltrack', 'calltrack', array( 'sanitize_callback' => 'calltrack_clean' ) );
	}
);
add_action(
	'admin_menu',
	function () {
		add_options_page( 'calltrack', 'calltrack', 'manage_options', 'calltrack', 'calltrack_page' );
	}
);
